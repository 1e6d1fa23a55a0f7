"""Which group's model suits a photograph: what it is judged by, the rules, how well they do."""
