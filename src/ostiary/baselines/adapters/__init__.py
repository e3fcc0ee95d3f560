"""Documents that come with the product."""
