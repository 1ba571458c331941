"""calibrate: measure, fit and validate Plutus cost models."""

__version__ = "0.1.0"
