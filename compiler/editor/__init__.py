"""What an editor asks of a text: diagnostics, completion, hover, definitions, symbols, fixes.

Only `server` knows the protocol; `answers` has offsets in a text, and no state.
"""
