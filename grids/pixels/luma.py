"""The grey of a colour, as JPEG and television have it."""

# Shares of red, green and blue (ITU-R BT.601).
BT601 = (0.299, 0.587, 0.114)
