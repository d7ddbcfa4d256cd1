"""What everything stands on: source text, diagnostics, the forms of names and quantities.

Knows no statement and no lab.
"""
