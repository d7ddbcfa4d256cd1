"""What differs between two labs, as data and as text.

Changes no Lab. OLD and NEW are symmetric: the difference the other way round has the same parts, exchanged.
"""
