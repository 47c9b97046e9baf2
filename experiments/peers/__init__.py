"""Others' engines with their own defaults, written as their manuals begin: what this project is compared with."""
