"""The protocol, pure: messages are read and written, signatures checked and made. No Django, I/O, clock or randomness."""
