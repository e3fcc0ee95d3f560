"""What a TPM 2.0 says and how it is checked: public keys, attestations, credentials, endorsement certificates, event logs. Pure."""
