"""The lab as data, and what all passes infer of it.

Source text appears only as places for diagnostics, and nothing here makes a decision.
"""
