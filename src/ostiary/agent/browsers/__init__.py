"""Where browsers keep certificates, and how the device's own gets there, is renewed there, and leaves again."""
