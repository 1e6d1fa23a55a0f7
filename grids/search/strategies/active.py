import numpy as np

from grids.search import drop_model
from grids.search.decision import *
from grids.search.partition import cheapest, parts, unmask

THRESHOLD=0.1
def plan(similarity, measured, settings):
    names=similarity.names; n=len(names)
    known=outcomes(measured,names,settings.delta)
    subsets=np.arange(1<<n); inside=(subsets[:,None]>>np.arange(n)&1).astype(bool)
    size=inside.sum(1); many=np.flatnonzero(size>1)
    pr=drop_model.predict(similarity,measured,inside[many],settings.delta)
    w=np.full(1<<n,np.inf); w[many]=-pr.log_chance
    for g,p in known.items():
        w[sum(1<<names.index(x) for x in g)]=0 if p else np.inf
    t=cheapest(w,n)
    chance=np.exp(-t[:,-1])
    count=int(np.argmax(chance>=THRESHOLD))
    chosen=parts(t,w,count)
    unknown=[c for c in chosen if unmask(c,names) not in known]
    if not unknown: return Solution(tuple(sorted(unmask(c,names) for c in chosen)),{})
    unknown.sort(key=lambda c:-w[c])
    return Requests(tuple(unmask(c,names) for c in unknown[:settings.requests_per_round]),{"p":[float(np.exp(-w[c])) for c in unknown]})
