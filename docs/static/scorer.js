/* The order of what the search finds: options and words of the glossary first, sources and the list of changes last.
   The figures are those of Sphinx; only `score` is ours. */
var Scorer = {
  score: (result) => {
    const [docname, title, anchor, descr, score] = result;
    if (/^#?(cmdoption-|swapkit\.options\.|term-)/.test(anchor || "")) return score + 8;
    if (/^(source|files)\//.test(docname)) return score - 8;
    return score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
