"""The sample company's applications. None of them knows anything of Ostiary but the headers it sends."""
