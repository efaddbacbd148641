"""The two modules that rapray uses."""
