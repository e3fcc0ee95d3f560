"""What passes between osqueryd and us, and what of it are facts. Pure: no database, no network, no clock."""
