// SPDX-License-Identifier: GPL-2.0-or-later

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.Security;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.AuthenticatedData;
import org.bouncycastle.asn1.cms.CCMParameters;
import org.bouncycastle.asn1.cms.CMSAlgorithmProtection;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.EnvelopedData;
import org.bouncycastle.asn1.cms.GCMParameters;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSAuthEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSAuthenticatedData;
import org.bouncycastle.cms.CMSAuthenticatedDataGenerator;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.CMSEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.KEKRecipientId;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.RecipientInformationStore;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceCMSMacCalculatorBuilder;
import org.bouncycastle.cms.jcajce.JceKEKAuthenticatedRecipient;
import org.bouncycastle.cms.jcajce.JceKEKEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKEKRecipientInfoGenerator;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/**
 * Bouncy Castle's CMS, for bouncycastle.py: reads jobs, one on a line of
 * standard input as "verb name=value...", and answers each with a line "ok",
 * or "no" and why. Keys and identifiers are hexadecimal, in and out are files.
 *
 *   seal alg=gcm|ccm [nonce=BYTES icv=BYTES]   AuthEnvelopedData
 *   envelop                                    EnvelopedData, AES-CBC, without
 *                                              the ContentInfo around it
 *   authenticate type=OID [attrs=none]         AuthenticatedData, HMAC-SHA-256
 *   open, decrypt, verify type=OID             the other direction
 *
 * and for all kek, spi, in, out; ber=1 leaves the object in the encoding that
 * Bouncy Castle gives it by itself. The content key is as long as the KEK.
 */
public class BouncyCastle {
	private static final AlgorithmIdentifier SHA256 =
		new AlgorithmIdentifier(NISTObjectIdentifiers.id_sha256);
	private static final String BC = BouncyCastleProvider.PROVIDER_NAME;

	private final Map<String, String> job;
	private final byte[] spi;
	private final byte[] in;
	private final SecretKey kek;

	private BouncyCastle(Map<String, String> job) throws IOException {
		this.job = job;
		spi = HexFormat.of().parseHex(job.get("spi"));
		kek = new SecretKeySpec(HexFormat.of().parseHex(job.get("kek")), "AES");
		in = Files.readAllBytes(Path.of(job.get("in")));
	}

	private static DigestCalculatorProvider digests() throws Exception {
		return new JcaDigestCalculatorProviderBuilder().setProvider(BC).build();
	}

	private byte[] encoded(ContentInfo info) throws IOException {
		return job.containsKey("ber") ? info.getEncoded() : info.getEncoded("DER");
	}

	private JceKEKRecipientInfoGenerator recipient() {
		return new JceKEKRecipientInfoGenerator(spi, kek).setProvider(BC);
	}

	private RecipientInformation self(RecipientInformationStore store) {
		RecipientInformation found = store.get(new KEKRecipientId(spi));
		if (found == null)
			throw new IllegalArgumentException("no recipient with that identifier");
		return found;
	}

	private byte[] seal() throws Exception {
		boolean gcm = job.get("alg").equals("gcm");
		boolean strong = kek.getEncoded().length == 32;
		ASN1ObjectIdentifier oid = gcm ?
			strong ? CMSAlgorithm.AES256_GCM : CMSAlgorithm.AES128_GCM :
			strong ? CMSAlgorithm.AES256_CCM : CMSAlgorithm.AES128_CCM;
		JceCMSContentEncryptorBuilder builder =
			new JceCMSContentEncryptorBuilder(oid).setProvider(BC);
		if (job.containsKey("icv")) {
			byte[] nonce = new byte[Integer.parseInt(job.get("nonce"))];
			int icv = Integer.parseInt(job.get("icv"));
			AlgorithmParameters p =
				AlgorithmParameters.getInstance(gcm ? "GCM" : "CCM", BC);
			Arrays.fill(nonce, (byte)0x5a);
			p.init((gcm ? new GCMParameters(nonce, icv) :
				new CCMParameters(nonce, icv)).getEncoded());
			builder.setAlgorithmParameters(p);
		}
		CMSAuthEnvelopedDataGenerator g = new CMSAuthEnvelopedDataGenerator();
		g.addRecipientInfoGenerator(recipient());
		return encoded(g.generate(new CMSProcessableByteArray(in),
			(OutputAEADEncryptor)builder.build()).toASN1Structure());
	}

	private byte[] open() throws Exception {
		CMSAuthEnvelopedData cms = new CMSAuthEnvelopedData(in);
		return self(cms.getRecipientInfos())
			.getContent(new JceKEKEnvelopedRecipient(kek).setProvider(BC));
	}

	private byte[] envelop() throws Exception {
		boolean strong = kek.getEncoded().length == 32;
		CMSEnvelopedDataGenerator g = new CMSEnvelopedDataGenerator();
		g.addRecipientInfoGenerator(recipient());
		return EnvelopedData.getInstance(g.generate(new CMSProcessableByteArray(in),
			new JceCMSContentEncryptorBuilder(strong ?
				CMSAlgorithm.AES256_CBC : CMSAlgorithm.AES128_CBC)
			.setProvider(BC).build()).toASN1Structure().getContent())
			.getEncoded("DER");
	}

	private byte[] decrypt() throws Exception {
		CMSEnvelopedData cms = new CMSEnvelopedData(new ContentInfo(
			PKCSObjectIdentifiers.envelopedData, EnvelopedData.getInstance(in)));
		return self(cms.getRecipientInfos())
			.getContent(new JceKEKEnvelopedRecipient(kek).setProvider(BC));
	}

	private byte[] authenticate() throws Exception {
		CMSAuthenticatedDataGenerator g = new CMSAuthenticatedDataGenerator();
		CMSProcessableByteArray content = new CMSProcessableByteArray(
			new ASN1ObjectIdentifier(job.get("type")), in);
		var mac = new JceCMSMacCalculatorBuilder(PKCSObjectIdentifiers.id_hmacWithSHA256)
			.setProvider(BC).build();
		g.addRecipientInfoGenerator(recipient());
		return encoded((job.containsKey("attrs") ? g.generate(content, mac) :
			g.generate(content, mac, digests().get(SHA256))).toASN1Structure());
	}

	private static void must(boolean fact, String otherwise) {
		if (!fact)
			throw new IllegalArgumentException(otherwise);
	}

	private static ASN1Encodable value(AttributeTable table, ASN1ObjectIdentifier type) {
		Attribute a = table.get(type);
		must(a != null && a.getAttrValues().size() == 1, "attribute " + type);
		return a.getAttrValues().getObjectAt(0);
	}

	/** What RFC 5652 9.3 and RFC 6211 ask of a recipient. */
	private byte[] verify() throws Exception {
		CMSAuthenticatedData cms = new CMSAuthenticatedData(in, digests());
		AuthenticatedData raw = AuthenticatedData.getInstance(
			cms.toASN1Structure().getContent());
		RecipientInformation self = self(cms.getRecipientInfos());
		byte[] content = self.getContent(
			new JceKEKAuthenticatedRecipient(kek).setProvider(BC));
		AttributeTable attrs = cms.getAuthAttrs();

		must(Arrays.equals(cms.getMac(), self.getMac()), "MAC");
		must(attrs != null, "authAttrs");
		must(Arrays.equals(cms.getContentDigest(), ASN1OctetString.getInstance(
			value(attrs, CMSAttributes.messageDigest)).getOctets()),
			"message-digest attribute is not getContentDigest()");
		must(Arrays.equals(self.getContentDigest(), cms.getContentDigest()), "digest");
		must(raw.getEncapsulatedContentInfo().getContentType().getId()
			.equals(job.get("type")), "eContentType");
		must(value(attrs, CMSAttributes.contentType)
			.equals(raw.getEncapsulatedContentInfo().getContentType()), "content-type");
		CMSAlgorithmProtection p = CMSAlgorithmProtection.getInstance(
			value(attrs, CMSAttributes.cmsAlgorithmProtect));
		must(raw.getDigestAlgorithm().equals(p.getDigestAlgorithm()) &&
			raw.getMacAlgorithm().equals(p.getMacAlgorithm()) &&
			p.getSignatureAlgorithm() == null, "CMSAlgorithmProtection");
		return content;
	}

	private byte[] done(String verb) throws Exception {
		switch (verb) {
		case "seal":
			return seal();
		case "open":
			return open();
		case "envelop":
			return envelop();
		case "decrypt":
			return decrypt();
		case "authenticate":
			return authenticate();
		case "verify":
			return verify();
		default:
			throw new IllegalArgumentException("verb " + verb);
		}
	}

	private static String answer(String line) {
		String[] words = line.split(" ");
		Map<String, String> job = new HashMap<>();
		for (String word : Arrays.copyOfRange(words, 1, words.length)) {
			int at = word.indexOf('=');
			job.put(word.substring(0, at), word.substring(at + 1));
		}
		try {
			byte[] out = new BouncyCastle(job).done(words[0]);
			Files.write(Path.of(job.get("out")), out);
			return "ok";
		} catch (Exception e) {
			String why = e.toString();
			for (Throwable c = e.getCause(); c != null; c = c.getCause())
				why += ": " + c;
			return "no " + why.replaceAll("\\s+", " ");
		}
	}

	public static void main(String[] arguments) throws IOException {
		Security.addProvider(new BouncyCastleProvider());
		for (String line : new String(System.in.readAllBytes()).split("\n"))
			System.out.println(answer(line));
	}
}
