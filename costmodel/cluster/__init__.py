"""The model cluster: blocks made as the node workbench's profiles make them, validated by node processes and timed."""
