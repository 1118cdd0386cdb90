"""Encodes and decodes header blocks with the Python package hpack: one JSON request on stdin, one answer on stdout.

{"encode": [[[name, value, neverIndexed], ...], ...], "sizes": {"block": size}} encodes with one table for all blocks.
{"decode": [hex, ...]} decodes likewise.
"""
import json
import sys

from hpack import Decoder, Encoder, HeaderTuple, NeverIndexedHeaderTuple

request = json.load(sys.stdin)
if "encode" in request:
    encoder = Encoder()
    blocks = []
    for number, fields in enumerate(request["encode"]):
        size = request["sizes"].get(str(number))
        if size is not None:
            encoder.header_table_size = size
        tuples = [(NeverIndexedHeaderTuple if never else HeaderTuple)(name, value) for name, value, never in fields]
        blocks.append(encoder.encode(tuples, huffman=number % 2 == 0).hex())
    json.dump(blocks, sys.stdout)
else:
    decoder = Decoder(max_header_list_size=2 ** 24)
    decoder.header_table_size = 0
    decoder.max_allowed_table_size = 0
    json.dump(
        [
            [[field[0], field[1], isinstance(field, NeverIndexedHeaderTuple)] for field in decoder.decode(bytes.fromhex(block))]
            for block in request["decode"]
        ],
        sys.stdout,
    )
