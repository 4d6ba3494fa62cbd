// SPDX-License-Identifier: Apache-2.0

rule macro_runs_on_open_and_starts_programs {
    meta:
        verdict = "suspicious"
        says = "A macro that runs by itself when the document is opened, and can start programs or fetch files."
    strings:
        $vba = "_VBA_PROJECT" ascii wide
        $vba2 = "VBE7.DLL" nocase ascii wide
        $auto1 = "AutoOpen" nocase ascii wide
        $auto2 = "Auto_Open" nocase ascii wide
        $auto3 = "Document_Open" nocase ascii wide
        $auto4 = "Workbook_Open" nocase ascii wide
        $auto5 = "AutoExec" nocase ascii wide
        $auto6 = "AutoClose" nocase ascii wide
        $auto7 = "Document_Close" nocase ascii wide
        $acts1 = "WScript.Shell" nocase ascii wide
        $acts2 = "powershell" nocase ascii wide
        $acts3 = "URLDownloadToFile" nocase ascii wide
        $acts4 = "XMLHTTP" nocase ascii wide
        $acts5 = "ShellExecute" nocase ascii wide
        $acts6 = "CreateObject" nocase ascii wide
        $acts7 = "VirtualAlloc" nocase ascii wide
    condition:
        uint32(0) == 0xE011CFD0 and any of ($vba*) and any of ($auto*) and any of ($acts*)
}

rule macro_runs_on_open {
    meta:
        verdict = "unknown"
        says = "A macro that runs by itself when the document is opened."
    strings:
        $vba = "_VBA_PROJECT" ascii wide
        $auto1 = "AutoOpen" nocase ascii wide
        $auto2 = "Auto_Open" nocase ascii wide
        $auto3 = "Document_Open" nocase ascii wide
        $auto4 = "Workbook_Open" nocase ascii wide
    condition:
        uint32(0) == 0xE011CFD0 and $vba and any of ($auto*)
}

rule rtf_with_equation_object {
    meta:
        verdict = "suspicious"
        says = "An RTF text with an embedded equation object, a well-known way to run code in old versions of Office."
    strings:
        $class = "Equation.3" nocase
        $class_hex = /4571756174696f6e2e33/ nocase
        $object = "\\objdata" nocase
    condition:
        uint32(0) == 0x74725C7B and $object and any of ($class*)
}

rule pdf_starts_a_program {
    meta:
        verdict = "suspicious"
        says = "A PDF that wants to start a program."
    strings:
        $launch = /\/S\s{0,4}\/Launch\b/
        $command = /\/(Win|F)\s{0,4}(<<|\()/
    condition:
        uint32(0) == 0x46445025 and $launch and $command
}

rule pdf_runs_script_on_open {
    meta:
        verdict = "suspicious"
        says = "A PDF that runs a script when it is opened."
    strings:
        $open = /\/(OpenAction|AA)\b/
        $script = /\/S\s{0,4}\/JavaScript\b/
        $acts = /(unescape|eval|exportDataObject|getAnnots|util\.printf|app\.launchURL)\s{0,4}\(/
    condition:
        uint32(0) == 0x46445025 and $open and $script and $acts
}
