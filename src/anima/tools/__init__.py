"""What a model may do: tools, the toolbox that runs them, and those built in.

`tool` is the decorator, `toolbox` runs calls, `catalog` finds tools by name; the rest are tools. Nothing here decides
whether a call may run: whoever runs one has asked the policy.
"""
