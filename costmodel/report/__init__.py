"""Pages that people look at: runs, models, verdicts and comparisons, from their files alone."""
