"""How the work items of cattle are done."""

from atalaia.domains.cattle.service import KIND, process
from atalaia.kernel.work.drain import Handler

HANDLERS = {KIND: Handler(process, group=1)}
