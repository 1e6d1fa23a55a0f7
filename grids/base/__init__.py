"""The ground, without torch: errors, files, words, progress, plugins, keyed randomness."""
