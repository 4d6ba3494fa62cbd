// SPDX-License-Identifier: Apache-2.0

private rule small_text {
    condition:
        filesize < 4MB and uint16(0) != 0x5A4D and uint32(0) != 0x464C457F and uint32(0) != 0x04034B50
}

rule powershell_encoded_command {
    meta:
        verdict = "suspicious"
        says = "Starts PowerShell with a command that is hidden by encoding."
    strings:
        $encoded = /powershell(\.exe)?["']?\s[^\r\n]{0,200}-e(nc|c|ncodedcommand)?\s{1,8}["']?[A-Za-z0-9+\/=]{40}/ nocase
        $wide = /p\x00o\x00w\x00e\x00r\x00s\x00h\x00e\x00l\x00l\x00[^\r\n]{0,200}-\x00e\x00(n\x00c\x00|c\x00)?/ nocase
    condition:
        small_text and any of them
}

rule powershell_download_and_run {
    meta:
        verdict = "suspicious"
        says = "Downloads something with PowerShell and runs it at once."
    strings:
        $get1 = "DownloadString" nocase ascii wide
        $get2 = "DownloadFile" nocase ascii wide
        $get3 = "Invoke-WebRequest" nocase ascii wide
        $get4 = "DownloadData" nocase ascii wide
        $get5 = "Start-BitsTransfer" nocase ascii wide
        $run1 = "Invoke-Expression" nocase ascii wide
        $run2 = /\biex\b\s{0,4}[\(\$&]/ nocase
        $run3 = /\|\s{0,4}iex\b/ nocase
        $run4 = "Start-Process" nocase ascii wide
        $hidden = /-w(indowstyle)?\s{1,4}hidden/ nocase ascii wide
        $bypass = /-e(xecution)?p(olicy)?\s{1,4}bypass/ nocase ascii wide
        $reflection = "[System.Reflection.Assembly]::Load" nocase ascii wide
    condition:
        small_text and any of ($get*) and (any of ($run*) or $hidden or $bypass or $reflection)
}

rule script_host_dropper {
    meta:
        verdict = "suspicious"
        says = "A script that fetches or writes a file and starts it."
    strings:
        $shell = "WScript.Shell" nocase ascii wide
        $shell2 = "Shell.Application" nocase ascii wide
        $http1 = "MSXML2.XMLHTTP" nocase ascii wide
        $http2 = "WinHttp.WinHttpRequest" nocase ascii wide
        $http3 = "Msxml2.ServerXMLHTTP" nocase ascii wide
        $http4 = "Microsoft.XMLHTTP" nocase ascii wide
        $write = "ADODB.Stream" nocase ascii wide
        $save = "SaveToFile" nocase ascii wide
    condition:
        small_text and any of ($shell*) and (any of ($http*) or ($write and $save))
}

rule script_unpacks_itself {
    meta:
        verdict = "suspicious"
        says = "A script that builds its real text out of pieces and then runs it."
    strings:
        $eval = /\b(eval|Execute|ExecuteGlobal|Function)\s{0,4}\(/ nocase
        $char1 = "String.fromCharCode" nocase
        $char2 = /chrw?\(\s{0,4}\d{1,5}\s{0,4}\)\s{0,4}&\s{0,4}chrw?\(/ nocase
        $unescape = /unescape\s{0,4}\(\s{0,4}["']%u?[0-9a-f]{2,4}%/ nocase
        $host = /ActiveXObject|WScript\.|CreateObject/ nocase
    condition:
        small_text and $eval and (#char1 > 3 or #char2 > 10 or $unescape) and $host
}

rule living_off_the_land_download {
    meta:
        verdict = "suspicious"
        says = "Misuses a program of Windows itself to fetch or start code."
    strings:
        $certutil = /certutil(\.exe)?["']?\s[^\r\n]{0,80}-urlcache/ nocase
        $bitsadmin = /bitsadmin(\.exe)?["']?\s[^\r\n]{0,80}\/transfer/ nocase
        $mshta = /mshta(\.exe)?["']?\s{1,8}["']?(https?|javascript|vbscript):/ nocase
        $regsvr32 = /regsvr32(\.exe)?["']?\s[^\r\n]{0,80}\/i:https?:/ nocase
        $rundll32 = /rundll32(\.exe)?["']?\s[^\r\n]{0,20}javascript:/ nocase
    condition:
        small_text and any of them
}

rule deletes_shadow_copies {
    meta:
        verdict = "malicious"
        says = "Deletes the shadow copies of Windows, as ransomware does before it encrypts."
    strings:
        $vssadmin = /vssadmin(\.exe)?["']?\s{1,8}delete\s{1,8}shadows\s[^\r\n]{0,40}\/quiet/ nocase ascii wide
        $wmic = /wmic(\.exe)?["']?\s{1,8}shadowcopy\s{1,8}delete/ nocase ascii wide
        $recovery = /bcdedit[^\r\n]{0,60}recoveryenabled\s{1,8}no/ nocase ascii wide
    condition:
        filesize < 20MB and ($recovery and ($vssadmin or $wmic))
}

rule html_smuggling {
    meta:
        verdict = "suspicious"
        says = "A page that builds a file out of its own text and has the browser save it."
    strings:
        $html = /<(html|script|svg)/ nocase
        $blob = /new\s{1,4}Blob\s{0,4}\(/ nocase
        $url = "createObjectURL" nocase
        $save1 = /\.download\s{0,4}=/ nocase
        $save2 = "msSaveOrOpenBlob" nocase
        $decode = /\batob\s{0,4}\(/ nocase
    condition:
        small_text and $html and $blob and ($url or $save2) and $decode and ($save1 or $save2)
}

rule hta_with_script {
    meta:
        verdict = "suspicious"
        says = "An HTML application that runs a script with all rights of its user."
    strings:
        $hta = "<hta:application" nocase
        $script = /<script/ nocase
        $shell = /WScript\.Shell|Shell\.Application|CreateObject/ nocase
    condition:
        small_text and $hta and $script and $shell
}
