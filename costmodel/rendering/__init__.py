"""How results look: numbers as text, and one table model with a renderer each for terminal, Markdown and HTML."""
