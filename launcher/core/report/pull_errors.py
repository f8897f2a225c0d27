"""Pull errors as people read them: containerd and the kubelet name the image in each part of a message."""

from __future__ import annotations

import re

__all__ = ["named_once"]

_IMAGE = re.compile(r'\bpull(?:ing)?(?: and unpack)? image "(?P<image>[^"]{1,300})"')
_PART = ": "
# 'rpc error: code = NotFound desc = failed to pull and unpack image "r/x:1": ...' without what follows it
_NOTHING = "rpc error"


def named_once(text: str) -> str:
    """Return a text without the parts of it that only name the image again; other texts as they are.

    'Back-off pulling image "r/x:1": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack
    image "r/x:1": failed to resolve reference "r/x:1": r/x:1: not found' (Kubernetes 1.36) becomes
    'Back-off pulling image "r/x:1": ErrImagePull: not found'.
    """
    found = _IMAGE.search(text)
    if found is None:
        return text
    *parts, last = text[found.end() :].split(_PART)
    kept = [part for part in parts if found["image"] not in part and part != _NOTHING]
    return text[: found.end()] + _PART.join([*kept, last])
