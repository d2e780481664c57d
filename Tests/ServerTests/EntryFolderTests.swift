import Testing

@testable import Server

@Suite("Names among the files of configuration entries")
struct EntryFolderTests {
    @Test("ID.yaml is what an entry is read from")
    func entries() {
        #expect(EntryFolder.isMeant("mail.yaml"))
        #expect(EntryFolder.id(of: "mail.yaml") == "mail")
    }

    @Test("what was meant for one and is none is told of", arguments: ["mail.yml", "M.yaml"])
    func strange(name: String) {
        #expect(EntryFolder.isMeant(name))
        #expect(EntryFolder.id(of: name) == nil)
    }

    @Test("files of editors are passed over", arguments: [".mail.yml", ".#m.yaml", "mail.yaml~"])
    func others(name: String) {
        #expect(!EntryFolder.isMeant(name))
    }
}
