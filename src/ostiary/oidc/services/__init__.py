"""What changes clients and what they are issued: one use case a function, one module for each kind of thing."""
