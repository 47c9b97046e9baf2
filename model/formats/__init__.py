"""The model formats, a folder or a module each: what each library is given, and what it must never see."""
