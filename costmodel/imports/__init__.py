"""Measurements that were made elsewhere, as runs: files of benchmark tools, read by what is in them."""
