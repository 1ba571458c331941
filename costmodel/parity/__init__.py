"""Models of several evaluators side by side: who is slow where, measured against what the chain charges."""
