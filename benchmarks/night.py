"""x"""
import json, sys, time
from pathlib import Path
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "shared")]
from nights.parameters import Night
from nights.world import World
t=time.monotonic()
w=World(Night(scenario=sys.argv[1],schools=int(sys.argv[2]),places=int(sys.argv[3])),lambda s: print(s,file=sys.stderr,flush=True))
w.run()
print(w.clock.now(), w.last_served/3600, w.lost(), sum(w.served.values()), len(w.expected), dict(w.pull_queue.counts), w.pull_queue.peak, dict(w.watch), dict(w.metrics), dict(w.calls.counts), dict(w.xporter.counts), max(w.dataset_items.looks,default=0), time.monotonic()-t)
