"""Resolution of flat statements to a first Lab, with what the source pins.

Infers nothing.
"""
