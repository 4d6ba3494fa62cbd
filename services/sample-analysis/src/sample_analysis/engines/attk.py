"""The log package of the Anti-Threat Toolkit: its two reports read into sets, findings and URLs of one host."""

from collections import Counter

from caseway_contracts.results import AttkEntries, AttkSummary, Finding, Reason
from caseway_kit.archives import Budget, Content
from sample_analysis.engines import attk_xml, command_lines, event_logs, officescan
from sample_analysis.engines.attk_xml import Damaged, Record, Refused
from sample_analysis.engines.tree import Node, Tree

VERSION = "2"
FILES_KEPT = 200_000
AUTORUNS_KEPT = 20_000
FINDINGS_KEPT = 100
URLS_KEPT = 1000
RARE_PREVALENCE = 5
WATCHED_PORTS = frozenset({"21", "23", "25", "80", "443", "3389"})

_SCAN = frozenset({"entry"})
_ASSESS = frozenset(
    {"file", "autorun", "process", "port", "dnscacheentry", "url", "computername", "major", "minor", "build"}
)
_COUNTED = {"file": "files", "autorun": "autoruns", "process": "processes", "port": "ports"}


class Package:
    """What the reports say, gathered while the archive is walked."""

    def __init__(self) -> None:
        self.host = ""
        self.system: dict[str, str] = {}
        self.suspicious: dict[str, str] = {}
        self.known_good: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.assessed: set[str] = set()
        self.unsigned: set[str] = set()
        self.autoruns: list[tuple[str, str, str | None]] = []
        self.findings: list[Finding] = []
        self.urls: dict[str, None] = {}
        self.urls_truncated = False
        self.reports = 0
        self.files_cut = False
        self._per_rule: Counter[str] = Counter()

    def take(self, path: str, content: Content, node: Node, budget: Budget) -> None:
        """Read ``path`` if it is one of the reports; what stops the reading stands with its node."""
        name = path.replace("\\", "/").rpartition("/")[2].lower()
        if name in ("scanreport.xml", "assessreport.xml"):
            self._take_report(name, content, node, budget)
        elif content.head(len(event_logs.MAGIC)) == event_logs.MAGIC:
            self._take_event_log(content, node, budget)
        elif officescan.is_one(name, content):
            self._take_agent_log(content, budget)

    def _take_report(self, name: str, content: Content, node: Node, budget: Budget) -> None:
        self.reports += 1
        try:
            if name == "scanreport.xml":
                attk_xml.records(content, _SCAN, self._on_scan, budget.check_time)
            else:
                attk_xml.records(content, _ASSESS, self._on_assess, budget.check_time)
        except Refused:
            node.cut_short("refused", "The report is built like an attack on its reader (entities, endless tags).")
        except Damaged:
            node.cut_short("damaged", "The report is not well-formed: what stands before the damage was read.")

    def _take_event_log(self, content: Content, node: Node, budget: Budget) -> None:
        try:
            for finding in event_logs.findings(content, budget.check_time):
                self.counts["events"] += 1
                if finding is not None:
                    self.finding(finding.rule, finding.says, finding.where)
        except event_logs.Stopped:
            node.cut_short("damaged", "The event log could not be read to its end: what stands before was read.")

    def _take_agent_log(self, content: Content, budget: Budget) -> None:
        for record in officescan.records(content, budget.check_time):
            if isinstance(record, officescan.Detection):
                self.finding("antivirus-detection", record.says, record.path)
            else:
                self._on_url(record.url)
                if record.blocked:
                    self.finding("blocked-address", record.says, record.url)

    def finding(self, rule: str, says: str, where: str) -> None:
        self._per_rule[rule] += 1
        self.counts["detections"] += rule == "antivirus-detection"
        if self._per_rule[rule] <= FINDINGS_KEPT:
            self.findings.append(Finding(rule=rule, says=says, where=where[:1024]))

    @property
    def findings_cut(self) -> bool:
        return any(count > FINDINGS_KEPT for count in self._per_rule.values())

    def _on_scan(self, _name: str, entry: Record) -> None:
        sha1, path = entry.get("sha1", "").lower(), entry.get("path", "")
        verdict = entry.get("falsepositive", "").strip().lower()
        if verdict == "false":
            self.counts["suspicious"] += 1
            if len(self.suspicious) < FILES_KEPT:
                self.suspicious[sha1 or path.lower()] = path
            self.finding(
                "suspicious-file", f"The toolkit holds this file for suspicious (SHA-1 {sha1 or 'not told'}).", path
            )
        elif verdict == "true":
            self.counts["known_good"] += 1
            if len(self.known_good) < FILES_KEPT:
                self.known_good.add(sha1 or path.lower())

    def _on_assess(self, name: str, record: Record) -> None:
        if name in _COUNTED:
            self.counts[_COUNTED[name]] += 1
        if name == "file":
            self._on_file(record)
        elif name == "autorun":
            launch = record.get("launchstring", "")
            if len(self.autoruns) < AUTORUNS_KEPT:
                self.autoruns.append((launch, record.get("location", ""), record.get("signer")))
        elif name == "process":
            if command_lines.is_suspicious(record.get("commandline", "")):
                says = "A process runs that was started by a suspicious command."
                self.finding("suspicious-command", says, record["commandline"])
        elif name == "port":
            self._on_port(record)
        elif name == "dnscacheentry":
            self.counts["dns_entries"] += 1
        elif name == "url":
            self._on_url(record.get("", ""))
        elif name == "computername":
            self.host = self.host or record.get("", "")
        else:
            self.system.setdefault(name, record.get("", ""))

    def _on_file(self, record: Record) -> None:
        path, sha1 = record.get("path", ""), record.get("sha1", "").lower()
        if not sha1 and not path:
            return
        if len(self.assessed) >= FILES_KEPT:
            self.files_cut = True
        else:
            self.assessed.add(sha1 or path.lower())
        unsigned = not record.get("signer", "").strip()
        if unsigned and "signer" in record and len(self.unsigned) < FILES_KEPT:
            self.unsigned.add(path.lower())
        prevalence = record.get("prevalence", "").strip()
        if prevalence.isascii() and prevalence.isdigit() and int(prevalence[:9]) <= RARE_PREVALENCE:
            self.finding("rare-file", f"Seen on {int(prevalence[:9])} machines only (prevalence).", path)

    def _on_port(self, record: Record) -> None:
        port = record.get("localport", "").strip()
        state = record.get("state", "").strip().lower()
        if port in WATCHED_PORTS and (not state or state.startswith("listen")):
            where = f"{record.get('localaddress', '')}:{port}"
            self.finding("listening-port", f"Something listens on port {port}.", where)

    def _on_url(self, url: str) -> None:
        self.counts["urls"] += 1
        if not url or url in self.urls or not url.lower().startswith(("http://", "https://", "ftp://")):
            return
        if len(self.urls) >= URLS_KEPT:
            self.urls_truncated = True
        else:
            self.urls[url] = None

    def judge_autoruns(self) -> None:
        """Only when every file is known: the reports don't say in which order they come."""
        for launch, location, signer in self.autoruns:
            program = command_lines.program_of(launch)
            if (signer is not None and not signer.strip()) or (program and program in self.unsigned):
                self.finding(
                    "unsigned-autorun", "A program without a signature is started by itself.", launch or location
                )
            if command_lines.starts_script(launch):
                self.finding("script-in-autorun", "A script is started by itself.", launch)


def conclude(package: Package, tree: Tree, node: Node) -> None:
    """Put what the package says under ``node``, the submitted piece."""
    node.kind = "attk_log"
    package.judge_autoruns()
    if not package.reports:
        node.cut_short("no-reports", "Neither scanreport.xml nor assessreport.xml could be found inside.")
    if package.files_cut:
        node.cut_short("attk-files", f"Only the first {FILES_KEPT:,} files of the report were counted.")
    if package.findings_cut:
        node.cut_short("findings", f"Only the first {FINDINGS_KEPT} findings of each kind are listed.")
    for rule, says in (
        ("suspicious-file", "The toolkit found files that it holds for suspicious."),
        ("script-in-autorun", "A script is started by itself on this host."),
        ("antivirus-detection", "The antivirus of this host found a threat."),
        ("suspicious-service", "A service was installed that starts a suspicious command."),
        ("suspicious-command", "A suspicious command was run on this host."),
        ("log-cleared", "An event log of this host was cleared."),
    ):
        first = next((finding for finding in package.findings if finding.rule == rule), None)
        if first is not None:
            node.found(
                Reason(engine="caseway-attk", version=VERSION, rule=rule, where=first.where, says=says), "suspicious"
            )
    for url in package.urls:
        tree.add_url(node, url)
    tree.urls_truncated = tree.urls_truncated or package.urls_truncated
    unknown = package.assessed - package.suspicious.keys() - package.known_good
    tree.attk_logs[node.id] = {
        "host": package.host,
        "os": ".".join(filter(None, (package.system.get(part, "") for part in ("major", "minor", "build")))),
        "entries": AttkEntries(
            suspicious=package.counts["suspicious"],
            known_good=package.counts["known_good"],
            unknown=len(unknown),
        ),
        "summary": AttkSummary(**{name: package.counts[name] for name in AttkSummary.model_fields}),
        "findings": tuple(package.findings),
    }
