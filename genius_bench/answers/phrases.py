"""The words that announce an answer, and those that only seem to."""

import re

WORD = r"[\w'’\"“”/-]+,?\s+"
WORDS = rf"(?:(?!(?:is|answer)\b){WORD}){{0,10}}?"
# What may stand between "answer" and "is": "(Yes or No)", ", therefore,", "here", "to the question", "that fits best".
MIDDLE = (
    r"(?:\s*[\[(][^()\[\]\n]{0,60}[\])]\s*|\s*,\s[^,.;:\n]{1,40},\s*|\s+[–—-]\s[^–—\n-]{1,40}\s[–—-]\s+"
    r"|\s+(?:here|then|now|thus|therefore|hence|again|finally|clearly|simply|choice|option|letter|key|value)\b"
    r"|\s+(?:to|of)\s+(?:the\s+\w+\s*:?\s*)?[\"“][^\"“”\n]{0,200}[\"”],?\s+"
    rf"|\s+(?:to|for|of|in|on|from|at|with|among)\s+{WORDS}"
    rf"|\s+(?:that|which)\s+(?:(?:is|are|would\s+be)\s+)?{WORDS}|\s+(?:I|we|you)\s+{WORDS})"
)
COPULA = (
    r"(?:is|(?:would|will|should|must)\s+(?:(?!not\b|never\b)\w+\s+)?be|(?:has|would\s+have)\s+to\s+be|to\s+be|ought\s+to\s+be|(?:seems|appears)(?:\s+to\s+be)?|equals|remains"
    r"|(?:turns|comes|works)\s+out\s+(?:to\s+be|to|as|at)|est|es|ist|(?=cannot\s+be|can['’]t\s+be))(?:\b|(?=n['’]t))"
)
MARKS = r"[\"'`*_]*+"
STATED = rf"(?:{MARKS}{MIDDLE}){{0,2}}{MARKS}\s*+(?:{COPULA}\s*+:?|(?P<heading>[:：=>→⇒]|[-–—]\s)){MARKS}"
ENGLISH = (
    rf"(?:(?<!/)\b(?:answer{STATED}|answers{MARKS}(?:{MIDDLE})?\s*+are\b\s*+:?{MARKS}|ans\.?\s*[:=])"
    r"|(?m:^)[#*_]{0,6}(?:final\s)?answer[*_]{0,3}\s(?=\((?-i:[A-J])\))"
    r"|(?m:^)[#*_ \t]{0,9}(?:(?:the|my)\s)?(?:final\s|correct\s)?answer[*_ \t]{0,9}\n)"
)
"""The last alternative is a heading on a line of its own."""
FOREIGN = (
    r"(?:\b(?:réponse|respuesta|risposta|resposta|antwort|ответ)(?:\s+(?:correct[ea]|finale?|corretta))?"
    rf"{MARKS}\s*+(?:(?:est|es|ist|è|é)\b\s*+:?|[:：=])"
    r"|(?:答案|正解|答え|정답)(?:应该|应|應)?(?:[是为為选選は은]\s*+[:：]?|[:：=])|[故所]以?[应應]?[选選]择?)"
)
CHOICE = (
    r"\b(?:(?:correct|right|best|better|final|closest|nearest|likely|likeliest|appropriate|suitable|accurate|logical|plausible)"
    r"\s+(?:possible\s+|remaining\s+|available\s+)?(?:option|choice|letter|alternative|match|response|completion|selection"
    r"|statement|conclusion|description|explanation|interpretation|inference|assumption)"
    rf"(?:{MIDDLE}){{0,2}}|(?:option|choice)\s+(?:that|which)\s+{WORDS}|(?:my|selected|chosen)\s+(?:option|choice|selection|pick)"
    rf"|(?m:^)[*_]{{0,3}}(?:choice|option|selection))"
    rf"{MARKS}\s*+(?:{COPULA}\s*+:?|[:：]){MARKS}"
    r"|\b(?:matches|corresponds\s+to)\s+(?:the\s+)?(?:option|choice)\b"
    r"|\b(?:I|we)(?:['’](?:ll|d)|\s+(?:will|would|should|must))?\s+(?:choose|pick|select|opt\s+for|go\s+with|settle\s+on)\b"
)
PHRASE = re.compile(rf"(?:(?P<english>{ENGLISH})|(?P<foreign>{FOREIGN})|(?P<choice>{CHOICE}))", re.IGNORECASE)
OWNER = r"(?:(?:the|this|that|my|our|your|its|an?)\s+)?(?:(?:final|correct|right|best|true|exact)\s+)*$"
UNSURE = re.compile(
    r"\b(?:which|what|if|whether|unless|suppose|supposing|assume|assuming|until"
    rf"|(?:might|may|could|would)\s+(?:think|say|guess|believe|expect|assume|conclude))\s+(?:that\s+)?{OWNER}",
    re.IGNORECASE,
)
"""Before "answer is": somebody's question or assumption."""
WORKING = re.compile(
    r"\b(?:(?:(?:double-?)?check|verify|confirm|validat|test|prov|explain|justify|understand)(?:e|es|s|ing)?"
    r"|(?:to|by|how\s+(?:to|I|we)|let['’]?s|let\s+us|let\s+me)\s+(?:\w+\s+){1,2}(?:at\s+|for\s+)?"
    r"|(?:find|calculat|comput|determin|solv|deriv|gett|reach)ing"
    rf"|(?:explanation|reason|reasoning|justification|proof|steps|derivation|verification)\s+(?:of|for|behind|to))\s*{OWNER}",
    re.IGNORECASE,
)
"""Before "answer:": what follows is work on an answer."""
REMARK = re.compile(
    r"[\s*]*(?:(?:very|quite|also|indeed|only|thus|therefore|already)\s+)*(?:(?:in)?correct|right|wrong|consistent|reasonable|valid"
    r"|verified|confirmed|helpful|followed|approximate|rounded|unique|simplified|best|useful|clear\b(?!\s*:))\b(?!\s+(?:option|choice|answer))",
    re.IGNORECASE,
)
"""What is said about an answer without giving one."""
REASONING = re.compile(
    r"[\s*]*(?:let(?:['’]s|\s+us|\s+me)\b|first\b|firstly\b|step\b|steps\b|to\s|we\s+(?:know|need|can|start|have|first|must|are|will"
    r"|calculate|compute|find)\b|(?:simply\s+|then\s+)?(?:found|obtained|calculated|computed|derived|determined|reached|given|based"
    r"|arrived|achieved|shown|explained|expressed|written)\b(?!\s+(?:as|to\s+be)\b)|(?:by|using|for|from|because|since|in|as|on|due)\b"
    r"|consider\b|start\b|here(?:['’]s|\s+(?:is|are))\b|(?:below|above)\b|what\b)",
    re.IGNORECASE,
)
"""How working begins: "Let's think step by step", "found by …"."""
UNDECIDED = re.compile(
    r"[\s*:]*(?:(?:most\s+likely|currently|still|really|simply)\s+)*(?:unknown|unclear|uncertain|undetermined|undecided|inconclusive|subjective|debatable"
    r"|it\s+depends|dependent|depends|impossible\s+to|not\s+(?:\w+\s+)?(?:known|clear|certain|possible|available|provided|definitive|given|found)"
    r"|(?:cannot|can['’]t|could\s+not)\s+be\s+(?:determined|known|answered|found)|less\s+clear"
    r"|based\s+on\s+(?:a\s+number|a\s+variety|several|many|various|one['’]s|your|personal|the\s+(?:opinion|interpretation)|what|who|how|which))\b",
    re.IGNORECASE,
)
"""Nothing is decided."""
