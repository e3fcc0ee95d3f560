"""Rules as Cedar: the schema, the compiler, and the question in Cedar's form. Who asks the question lives in `engine`."""
