"""The rules document: what may be written, what it means, and how it is read. Compiling to Cedar lives beside."""
