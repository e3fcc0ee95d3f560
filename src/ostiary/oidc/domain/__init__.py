"""What clients may be, what they may ask and what they are told. Pure: keys, storing and sending live beside this folder."""
