"""Harmless evidence of each kind, made on the spot: EICAR, a made-up mail, a made-up ATTK log."""

from email.message import EmailMessage

# The standard anti-virus test file, written so that no scanner takes this source for it.
EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!" + "$H+H*").encode()

SCAN_REPORT = b"""<?xml version="1.0" encoding="utf-8"?>
<ScanReport>
  <Entry Id="1"><Path>C:\\Users\\ann\\AppData\\Roaming\\updater.exe</Path>
    <SHA1>0123456789abcdef0123456789abcdef01234567</SHA1><FalsePositive>false</FalsePositive></Entry>
  <Entry Id="2"><Path>C:\\Windows\\System32\\notepad.exe</Path>
    <SHA1>89abcdef0123456789abcdef0123456789abcdef</SHA1><FalsePositive>true</FalsePositive></Entry>
</ScanReport>
"""
ASSESS_REPORT = b"""<?xml version="1.0" encoding="utf-8"?>
<AssessReport>
  <ComputerName>DEMO-PC</ComputerName>
  <OS><Major>10</Major><Minor>0</Minor><Build>19045</Build></OS>
  <Files>
    <File Id="1"><Path>C:\\Users\\ann\\AppData\\Roaming\\updater.exe</Path>
      <SHA1>0123456789abcdef0123456789abcdef01234567</SHA1><Signer></Signer><Prevalence>1</Prevalence></File>
    <File Id="2"><Path>C:\\Windows\\System32\\notepad.exe</Path>
      <SHA1>89abcdef0123456789abcdef0123456789abcdef</SHA1><Signer>Example Software</Signer></File>
  </Files>
  <Autoruns><Autorun Id="1"><Location>HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run</Location>
    <LaunchString>powershell -w hidden -enc SQBFAFgA</LaunchString></Autorun></Autoruns>
  <Ports><Port><LocalAddress>0.0.0.0</LocalAddress><LocalPort>3389</LocalPort></Port></Ports>
  <BrowserHistory><Entry><URL>http://updates.malware.test/payload</URL></Entry></BrowserHistory>
</AssessReport>
"""


def mail() -> bytes:
    message = EmailMessage()
    message["Received"] = "from mail.sender.example by mx.demo.example; Mon, 05 Jan 2026 09:00:00 +0000"
    message["Authentication-Results"] = "mx.demo.example; spf=fail; dkim=none; dmarc=fail"
    message["From"] = "Accounts <billing@sender.example>"
    message["To"] = "ann@demo.example"
    message["Subject"] = "Overdue invoice"
    message["Date"] = "Mon, 05 Jan 2026 09:00:00 +0000"
    message["Message-ID"] = "<1@sender.example>"
    message.set_content("Please pay at http://phishing.test/login and see the attachment.")
    message.add_attachment(EICAR, maintype="application", subtype="octet-stream", filename="invoice.com")
    return message.as_bytes()
