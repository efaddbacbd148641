"""Language models as analyzers: one class, a name for each provider of the settings."""
