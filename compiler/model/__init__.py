"""The lab as data, with all that is known of it.

No source text but for places in diagnostics, and nothing that decides.
"""
