"""The base of all rooms: source text, diagnostics, and the lexical forms of names and quantities.

Knows no statement and no lab.
"""
