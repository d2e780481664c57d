import Testing

@testable import Server

@Suite("Lines of TOML keys")
struct TOMLLocatorTests {
    private static let text = """
        top = 1 # [not.a.header]

        [a.b]
        "quoted key" = '''
        [c]
        d = 1
        '''
        dotted . key = "a # \\" b"
        inline = { x = 1, y = { z = [1, 2] } }
        list = [
          "one", # = 1
          { deep = true },
          [ 3,
            4 ],
        ]

        [[t]]
        n = \"\"\"x\"\"\"\"
        [t.sub]
        k = 1979-05-27T07:32:00Z
        [[t]]
        n = 2
          [[t.inner]]
          m = 1
        """

    @Test(
        "each key is found on its line",
        arguments: [
            ("top", 1), ("a", 3), ("a/b", 3), ("a/b/quoted key", 4), ("a/b/dotted/key", 8),
            ("a/b/inline/x", 9), ("a/b/inline/y/z", 9), ("a/b/list", 10), ("a/b/list/0", 11),
            ("a/b/list/1/deep", 12), ("a/b/list/2/1", 14), ("t", 17), ("t/0/n", 18),
            ("t/0/sub", 19), ("t/0/sub/k", 20), ("t/1", 21), ("t/1/n", 22), ("t/1/inner/0/m", 24),
            ("a/b/missing", 3), ("missing", 0),
        ]
    )
    func lines(path: String, line: Int) {
        let steps = path.split(separator: "/").map { part in
            Int(part).map(TOMLLocator.Step.index) ?? .key(String(part))
        }
        #expect(TOMLLocator(Self.text).line(of: steps) == line)
    }

    @Test(
        "a text that is not TOML ends the scan as well",
        arguments: ["[", "[[", "=", "a", "a = [", "a = {", "a = \"", "a = ]", "a = [}", "'", "]]}"]
    )
    func broken(text: String) {
        #expect(TOMLLocator(text).line(of: [.key("b")]) == 0)
    }
}
