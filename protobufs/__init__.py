"""The messages on the wire: `.proto` files and the code that `make generate` makes from them.

The generated modules are imported by name: ``from protobufs.wine_record_pb2 import WineRecord``.
"""
