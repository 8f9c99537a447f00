"""Landing, step by step: find the files, read them, check the values, merge them into raw."""
