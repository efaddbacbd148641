"""Settings: the only part of rapray that reads the environment and configuration files.

Knows no part of the program that uses a setting: a constructor is handed what it needs.
"""

from rapray.config.loader import Loaded, Origin, load_settings, public_values, variable
from rapray.config.settings import (
    AnalyzeSettings,
    DatabaseSettings,
    EmbeddingSettings,
    EmotionSettings,
    GeniusSettings,
    JobSettings,
    LocalModelSettings,
    LogSettings,
    RaySettings,
    RedisSettings,
    ServeSettings,
    Settings,
)

__all__ = [
    "AnalyzeSettings",
    "DatabaseSettings",
    "EmbeddingSettings",
    "EmotionSettings",
    "GeniusSettings",
    "JobSettings",
    "Loaded",
    "LocalModelSettings",
    "LogSettings",
    "Origin",
    "RaySettings",
    "RedisSettings",
    "ServeSettings",
    "Settings",
    "load_settings",
    "public_values",
    "variable",
]
