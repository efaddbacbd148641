"""Ray Data jobs: collect, embed, analyze. Importing this package imports no Ray; its modules do."""
