"""What one cost model changes compared with another on real scripts: units, fees, limits, and who breaks."""
