"""What encoders are, without torch: where thresholds lie, the codes of levels, and codes as logic.

An encoder is **ascending thresholds for each feature and a code table**. `nn.encoders` makes torch modules of them,
`additive.encoding` packed bits.
"""
