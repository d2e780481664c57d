import Disk
import Glibc

/// The file that a configuration is read from.
struct ConfigurationFile {
    /// Larger files are somebody's mistake.
    private static let bytesMax = 4 << 20

    /// As the user would name it.
    let name: String
    /// Absolute.
    let path: String
    private let text: String

    /// The file that `--config` names, else `iii.toml`, else `config.yaml`; nil where there is
    /// none, or where it cannot be read, which is a finding.
    static func find(
        _ sources: Configuration.Sources,
        findings: inout Findings
    ) -> ConfigurationFile? {
        let names = sources.file.map { [$0] } ?? ["iii.toml", "config.yaml"]
        for name in names {
            let directory = sources.workingDirectory
            guard name.hasPrefix("/") || directory != nil else {
                // What is gone holds no file that could be found by itself.
                if sources.file == nil { continue }
                let text = "cannot be read: \(Configuration.goneDirectory)"
                findings.error(.file, at: .file(name, line: 0), text)
                return nil
            }
            let path = Configuration.absolute(name, from: directory ?? "/")
            do throws(ReadError) {
                let file = ConfigurationFile(name: name, path: path, text: try read(path))
                return file.isTrusted(&findings) ? file : nil
            } catch {
                if error == .system(SystemError(number: ENOENT)), sources.file == nil { continue }
                findings.error(.file, at: .file(name, line: 0), "cannot be read: \(error)")
                return nil
            }
        }
        return nil
    }

    /// Who may write it decides what runs here; a finding where that is not its owner alone.
    private func isTrusted(_ findings: inout Findings) -> Bool {
        guard let rights = FileRights(of: path) else { return true }
        let place = Place.file(name, line: 0)
        let danger = "may write it, and so decide what runs here"
        if rights.everybodyWrites {
            guard !Self.hasMode(path) else {
                findings.error(.writable, at: place, "everybody \(danger): chmod o-w \(path)")
                return false
            }
            findings.warning(at: place, "everybody \(danger), as far as its file system tells")
        } else if rights.othersWrite {
            findings.warning(at: place, "its group \(danger): chmod g-w \(path)")
        }
        return true
    }

    /// Whether the file's mode is its own, and can be changed.
    private static func hasMode(_ path: String) -> Bool {
        do throws(StorageError) {
            return try FileSystem(of: path).keepsModes
        } catch {
            return true
        }
    }

    /// The settings of the file; nil, and findings, where it cannot be parsed.
    func parse(
        _ environment: [String: String],
        version: String,
        findings: inout Findings
    ) -> Setting? {
        let variables = Variables(values: environment, version: version)
        guard name.hasSuffix(".yaml") || name.hasSuffix(".yml") else {
            let source = Expansion(ofTOML: text, variables, file: name, findings: &findings)
            return TOMLReader.read(source, variables, file: name, findings: &findings)
        }
        let source = Expansion(of: text, variables, file: name, findings: &findings)
        guard findings.errors.isEmpty else { return nil }
        guard let yaml = YAMLReader.read(source, file: name, findings: &findings) else {
            return nil
        }
        return WorkersForm.translate(yaml, findings: &findings)
    }

    enum ReadError: Error, Equatable, CustomStringConvertible {
        case system(SystemError)
        case tooLarge
        case notText

        var description: String {
            switch self {
            case .system(let error): error.description
            case .tooLarge: "it is larger than \(Quantity.text(bytes: bytesMax))"
            case .notText: "it is not UTF-8 text"
            }
        }
    }

    /// The text of a file.
    static func read(_ path: String) throws(ReadError) -> String {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try SmallFile.read(path, limit: bytesMax + 1)
        } catch {
            throw .system(error)
        }
        guard bytes.count <= bytesMax else { throw .tooLarge }
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw .notText
        }
        return text
    }
}
