"""The two reports of a made-up host, as facts of the toolkit's parsers describe them."""

SCAN = """<?xml version="1.0"?>
<ScanReport>
  <Entry Id="1"><Path>C:\\Temp\\evil.exe</Path><SHA1>AAAA</SHA1><FalsePositive>false</FalsePositive></Entry>
  <Entry Id="2"><Path>C:\\Windows\\good.dll</Path><SHA1>bbbb</SHA1><FalsePositive>true</FalsePositive></Entry>
</ScanReport>"""
ASSESS = """<?xml version="1.0"?>
<a:AssessReport xmlns:a="urn:made-up">
  <a:ComputerName>HOST-Ä1</a:ComputerName>
  <a:OS><a:Major>10</a:Major><a:Minor>0</a:Minor><a:Build>19045</a:Build></a:OS>
  <a:Files>
    <a:File Id="1">
      <a:Path>C:\\Temp\\evil.exe</a:Path><a:SHA1>aaaa</a:SHA1><a:Signer></a:Signer><a:Prevalence>1</a:Prevalence>
    </a:File>
    <a:File Id="2">
      <a:Path>C:\\Windows\\good.dll</a:Path><a:SHA1>BBBB</a:SHA1>
      <a:Signer>Somebody</a:Signer><a:Prevalence>900000</a:Prevalence>
    </a:File>
    <a:File Id="3">
      <a:Path>C:\\Tools\\own.exe</a:Path><a:SHA1>cccc</a:SHA1><a:Signer/><a:Prevalence>800</a:Prevalence>
    </a:File>
  </a:Files>
  <a:Autoruns>
    <a:Autorun Id="1"><a:LaunchString>"C:\\Tools\\own.exe" -start</a:LaunchString></a:Autorun>
    <a:Autorun Id="2"><a:LaunchString>wscript.exe C:\\Temp\\a.vbs</a:LaunchString></a:Autorun>
    <a:Autorun Id="3"><a:LaunchString>C:\\Windows\\good.dll</a:LaunchString></a:Autorun>
  </a:Autoruns>
  <a:Ports>
    <a:Port><a:LocalAddress>0.0.0.0</a:LocalAddress><a:LocalPort>3389</a:LocalPort></a:Port>
    <a:Port><a:LocalAddress>10.0.0.5</a:LocalAddress><a:LocalPort>50111</a:LocalPort></a:Port>
  </a:Ports>
  <a:BrowserHistory><a:Item><a:URL>http://visited.example/a?x=1&amp;y=2</a:URL></a:Item></a:BrowserHistory>
</a:AssessReport>"""
