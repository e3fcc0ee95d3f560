"""The outside world of the catalogue: files with certificates, and the data plane's own view of the upstreams."""
