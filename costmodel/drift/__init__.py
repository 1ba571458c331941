"""Drift checks: this build against stored instruction counts or another build, and a model against another."""
