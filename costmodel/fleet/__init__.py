"""The same plan measured on many machines at once, by workers of dask.distributed.

What calibrate sends and takes are JSON documents as bytes; how dask wraps them is dask's own affair, and whoever
reaches its scheduler can run code on every worker.
"""
